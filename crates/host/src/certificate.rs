//! `-makecert`: a certificate that signs itself, for those who have no authority, and the lines that use it.
//!
//! It is made once and never replaced: what pins it would no longer match.

use std::fmt;

use farsight_transport::tls::CertificateFault;
use farsight_transport::tls::certificates::{Added, Certificates, date, now};
use farsight_transport::{CertificateStore, Host, Thumbprint};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

/// How long it is valid.
const DAYS: i64 = 5 * 365;

const SECONDS_OF_DAY: i64 = 86_400;

/// What was made.
#[derive(Debug)]
pub(crate) struct Made {
    name: String,
    added: Added,
    thumbprint: Thumbprint,
    machine: Host,
    /// Year, month and day of its end.
    until: (i64, i64, i64),
}

/// Makes a pair of this name in the user's store.
pub(crate) fn make(name: &str) -> Result<Made, CertificateFault> {
    make_in(&Certificates::of(CertificateStore::User)?, name, now())
}

fn make_in(store: &Certificates, name: &str, now: i64) -> Result<Made, CertificateFault> {
    let failed = |error: rcgen::Error| CertificateFault::Setup(error.to_string());
    let machine = Host::this_machine();
    let names = ["localhost", "127.0.0.1", "::1", machine.as_str()].map(str::to_owned);
    // A machine may be called what no certificate can say.
    let params = CertificateParams::new(names.clone()).or_else(|_| CertificateParams::new(&names[..3]));
    let mut params = params.map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    // Clocks differ: it begins yesterday.
    let day = |seconds| {
        let (year, month, day) = date(seconds);
        let small = |number: i64| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::try_from(year).unwrap_or(1970), small(month), small(day))
    };
    let end = now + DAYS * SECONDS_OF_DAY;
    (params.not_before, params.not_after) = (day(now - SECONDS_OF_DAY), day(end));
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Made {
        name: name.to_owned(),
        added: store.add(name, &certificate.pem(), &key.serialize_pem())?,
        thumbprint: Thumbprint::of(certificate.der()),
        machine,
        until: date(end),
    })
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made {
            name,
            added,
            thumbprint,
            machine,
            until: (year, month, day),
        } = self;
        let (certificate, key) = (added.certificate.display(), added.key.display());
        writeln!(f, "certificate  {certificate}  (until {year:04}-{month:02}-{day:02})")?;
        writeln!(f, "key          {key}  (show it to nobody)")?;
        writeln!(f, "thumbprint   {thumbprint}  (SHA-256)")?;
        writeln!(f)?;
        writeln!(f, "The server that shows it, and the client that accepts no other one:")?;
        writeln!(f, "  dbgsrv-tls -t ssl:certuser={name},port=5005")?;
        writeln!(f, "  farsight -premote ssl:pin={thumbprint},server=localhost,port=5005")?;
        writeln!(
            f,
            "A client that shows it has certuser={name}, and its server pin={thumbprint}"
        )?;
        writeln!(
            f,
            "For clients on other machines, who then say server={machine}, a server also has server=* and such a pin."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farsight_testkit::Scratch;
    use farsight_transport::tls::certificates::{Facts, read_certificates, read_key};

    #[test]
    fn a_pair_is_made_that_can_be_used_now_and_is_never_replaced() {
        let scratch = Scratch::new();
        let store = Certificates::at(scratch.path().join("certs"));
        let made = make_in(&store, "box17", now()).unwrap();
        let read = |path| std::fs::read(path).unwrap();
        let chain = read_certificates(&read(&made.added.certificate)).unwrap();
        assert!(made.thumbprint.is_of(&chain[0]));
        let facts = Facts::read(&chain[0]).unwrap();
        assert!(facts.for_servers && facts.not_before < now() && facts.not_after > now() + 4 * 365 * SECONDS_OF_DAY);
        assert!(read_key(&read(&made.added.key)).unwrap().is_some());
        let text = made.to_string();
        assert!(text.contains("dbgsrv-tls -t ssl:certuser=box17,port=5005"), "{text}");
        assert!(
            text.contains(&format!("-premote ssl:pin={},server=", made.thumbprint)),
            "{text}"
        );
        assert!(!text.contains("PRIVATE KEY"));
        let again = make_in(&store, "box17", now()).unwrap_err().to_string();
        assert!(again.contains("not overwritten"), "{again}");
        // Every day of the calendar is one that a certificate can say.
        for day in (9..800).step_by(50) {
            make_in(&store, &format!("day{day}"), now() + day * SECONDS_OF_DAY).unwrap();
        }
    }
}
