//! Times as DbgEng writes them. Coordinated universal time: what zone a user is in, only the user's machine knows.

/// A moment, in microseconds of Unix time: `Sat Nov 22 20:17:44.123 2025 (UTC)`.
pub(super) fn moment(micros: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let weekday = DAYS.get((days % 7) as usize).copied().unwrap_or_default();
    let month = MONTHS.get(month).copied().unwrap_or_default();
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02}.{millis:03} {year} (UTC)")
}

/// A span: `0 days 3:50:07.123`.
pub(super) fn span(micros: u64) -> String {
    let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{days} days {hour}:{minute:02}:{second:02}.{millis:03}")
}

/// Year, month from 0 and day of the month of a day since 1 January 1970, in the proleptic Gregorian calendar: counted
/// in years that begin in March, whose leap day is the last.
fn date(days: u64) -> (u64, usize, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let since_march = days + 719_468;
    let (era, of_era) = (since_march / DAYS_IN_400_YEARS, since_march % DAYS_IN_400_YEARS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year + u64::from(month < 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "Thu Jan  1 00:00:00.000 1970 (UTC)"),
            (951_782_400, "Tue Feb 29 00:00:00.000 2000 (UTC)"),
            (1_795_000_000, "Wed Nov 18 11:06:40.000 2026 (UTC)"),
            (4_107_542_400, "Mon Mar  1 00:00:00.000 2100 (UTC)"),
        ] {
            assert_eq!(moment(seconds * 1_000_000), shown);
        }
        assert_eq!(span(93_784_005_000), "1 days 2:03:04.005");
        assert!(!moment(u64::MAX).is_empty());
    }
}
