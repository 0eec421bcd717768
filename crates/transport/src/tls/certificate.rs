//! What has to be known of a certificate beside what `rustls` checks: its thumbprints, when it is valid, and whether it
//! may stand for a server. A reader of just so much DER (X.690), over bytes from outside.

use std::time::SystemTime;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::connection_string::Thumbprint;

/// What a certificate says of itself. Times are seconds since 1970, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its first second.
    pub not_before: i64,
    /// Its last second.
    pub not_after: i64,
    /// Whether it may stand for a server; one that lists no purposes may.
    pub for_servers: bool,
}

/// Where in its time a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    NotYet,
    Valid,
    Expired,
}

impl Facts {
    /// Reads an X.509 certificate in DER; `None` where it is not one. The signature is not looked at.
    pub fn read(der: &[u8]) -> Option<Facts> {
        let certificate = Der(der).the(SEQUENCE)?;
        let mut body = Der(Der(certificate).the(SEQUENCE)?);
        let mut first = body.next()?;
        if first.0 == VERSION {
            first = body.next()?;
        }
        if first.0 != INTEGER {
            return None;
        }
        let (_algorithm, _issuer) = (body.the(SEQUENCE)?, body.the(SEQUENCE)?);
        let mut validity = Der(body.the(SEQUENCE)?);
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        let (_subject, _key) = (body.the(SEQUENCE)?, body.the(SEQUENCE)?);
        let mut for_servers = true;
        while let Some((tag, value)) = body.next() {
            if tag == EXTENSIONS {
                for_servers = purposes(Der(value).the(SEQUENCE)?)?;
            }
        }
        Some(Facts {
            not_before,
            not_after,
            for_servers,
        })
    }

    pub(super) fn age(&self, now: i64) -> Age {
        match now {
            now if now < self.not_before => Age::NotYet,
            now if now > self.not_after => Age::Expired,
            _ => Age::Valid,
        }
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.29.37, the list of purposes.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// 1.3.6.1.5.5.7.3.1, and 2.5.29.37.0 for every purpose.
const SERVERS: [&[u8]; 2] = [
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
    &[0x55, 0x1d, 0x25, 0x00],
];

/// Values of tag, length and content behind each other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The next value; `None` at the end, and where the bytes are none.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        // Tags of several bytes do not occur in certificates, and lengths left open are not DER.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let bytes = usize::from(first & 0x7f);
            if !(1..=4).contains(&bytes) {
                return None;
            }
            let (digits, behind) = rest.split_at_checked(bytes)?;
            length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }

    /// The content of the next value, which has this tag.
    fn the(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|next| next.0 == tag).map(|next| next.1)
    }
}

/// Whether a certificate's extensions leave it the purpose of a server.
fn purposes(extensions: &[u8]) -> Option<bool> {
    let mut extensions = Der(extensions);
    while let Some((tag, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if tag != SEQUENCE || extension.the(OBJECT)? != EXTENDED_KEY_USAGE {
            continue;
        }
        let mut value = extension.next()?;
        if value.0 != OCTETS {
            value = extension.next()?;
        }
        let mut purposes = Der(Der(value.1).the(SEQUENCE)?);
        return Some(std::iter::from_fn(|| purposes.next()).any(|(_, purpose)| SERVERS.contains(&purpose)));
    }
    Some(true)
}

/// Seconds since 1970 of a UTCTime (two digits of the year, 1950 to 2049) or a GeneralizedTime.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = text.strip_suffix(b"Z")?;
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = text.split_at(2);
            let year = number(year);
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (GENERAL_TIME, 14) => {
            let (year, rest) = text.split_at(4);
            (number(year), rest)
        }
        _ => return None,
    };
    let mut parts = rest.chunks(2).map(number);
    let mut part = |range: std::ops::RangeInclusive<i64>| parts.next().filter(|part| range.contains(part));
    let (month, day) = (part(1..=12)?, part(1..=31)?);
    let (hour, minute, second) = (part(0..=23)?, part(0..=59)?, part(0..=60)?);
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> i64 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// Year, month and day of a number of seconds since 1970: the inverse of [`days`].
pub fn date(seconds: i64) -> (i64, i64, i64) {
    let day = seconds.div_euclid(86_400) + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A moment as people write it.
pub(super) fn moment(seconds: i64) -> String {
    let (year, month, day) = date(seconds);
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute) = (of_day / 3600, of_day / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Thumbprint {
    /// The SHA-256 of a certificate in DER.
    pub fn of(der: &[u8]) -> Thumbprint {
        Thumbprint::from_digest(digest(&SHA256, der).as_ref())
    }

    /// Whether it is this certificate's, SHA-256 or SHA-1 by its length.
    pub fn is_of(&self, der: &[u8]) -> bool {
        let algorithm = match self.as_bytes().len() {
            20 => &SHA1_FOR_LEGACY_USE_ONLY,
            _ => &SHA256,
        };
        digest(algorithm, der).as_ref() == self.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 2, 29), 11_016);
        assert_eq!(moment(1_798_761_599), "2026-12-31 23:59 UTC");
        for day in (-800_000..800_000).step_by(97) {
            let (year, month, day_of_month) = date(day * 86_400);
            assert_eq!(days(year, month, day_of_month), day);
        }
    }

    #[test]
    fn times_are_read_in_both_forms_and_nothing_else_is() {
        let utc = |text: &str| time((UTC_TIME, text.as_bytes()));
        let general = |text: &str| time((GENERAL_TIME, text.as_bytes()));
        assert_eq!(utc("261231235959Z"), general("20261231235959Z"));
        assert_eq!(utc("500101000000Z"), general("19500101000000Z"));
        assert_eq!(general("19700101000001Z"), Some(1));
        for wrong in [
            "",
            "Z",
            "261231235959",
            "261331235959Z",
            "2612312359Z",
            "26123123595xZ",
            "261231245959Z",
        ] {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_thumbprint_knows_its_kind_by_its_length() {
        let sha1 = Thumbprint::parse("a9 99 3e 36 47 06 81 6a ba 3e 25 71 78 50 c2 6c 9c d0 d8 9d").unwrap();
        let sha256 = Thumbprint::of(b"abc");
        assert!(
            sha256
                .to_string()
                .starts_with("ba7816bf8f01cfea414140de5dae2223b00361a3")
        );
        for thumbprint in [sha1, sha256] {
            assert!(thumbprint.is_of(b"abc") && !thumbprint.is_of(b"abd"));
        }
    }
}
