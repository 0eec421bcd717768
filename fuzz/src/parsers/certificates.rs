//! Certificates and keys, as files of the store and strangers bring them.

use farsight_transport::Thumbprint;
use farsight_transport::tls::certificates::{Facts, date, read_certificates, read_key};

/// A PEM file, and the same bytes as a certificate in DER.
pub fn certificates(input: &[u8]) {
    if let Ok(chain) = read_certificates(input) {
        assert!((1..=16).contains(&chain.len()));
        for certificate in &chain {
            assert!(certificate.len() < input.len());
            let facts = Facts::read(certificate).expect("what was taken can be read");
            assert!(Thumbprint::of(certificate).is_of(certificate));
            for moment in [facts.not_before, facts.not_after] {
                assert!((0..=10_000).contains(&date(moment).0), "{moment}");
            }
        }
    }
    if let Ok(Some(key)) = read_key(input) {
        assert!(key.secret_der().len() < input.len());
    }
    let facts = Facts::read(input);
    assert_eq!(facts, Facts::read(input));
    // A certificate says the same whatever stands behind it.
    if facts.is_some() {
        assert_eq!(Facts::read(&[input, b"more"].concat()), facts);
    }
}
