//! Long lists of symbols go out in parts.

use farsight_session::wire::notification_frame;
use farsight_session::{Content, Notification, OutputMask};

use super::*;

#[test]
fn long_lists_come_in_parts_that_fit_into_frames() {
    let row = |number: u64, length: usize| SymbolRow {
        address: Address(u64::MAX - number),
        module: "prog".into(),
        name: "n".repeat(length),
        size: Some(u64::MAX),
        class: SymbolClass::Function,
        public: true,
    };
    for (count, length, least) in [
        (0, 1, 0),
        (1, 1, 1),
        (5000, 8, 1),
        (5001, 8, 2),
        (40, 3 << 20, 40),
        (20_000, 600, 12),
    ] {
        let rows: Vec<SymbolRow> = (0..count).map(|number| row(number, length)).collect();
        let parts = in_parts(rows.clone());
        assert!(
            parts.len() >= least,
            "{count} rows of {length} bytes: {} parts",
            parts.len()
        );
        assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= MOST_ROWS));
        for part in &parts {
            let record = Record::Symbols(Symbols {
                rows: part.clone(),
                columns: SymbolColumns::Both,
                quoted: None,
            });
            let told = Notification::Output {
                mask: OutputMask::NORMAL,
                content: Content::Record(Box::new(record)),
            };
            let bytes = notification_frame(0, &told).body.len();
            assert!(bytes <= PART_BYTES + length + 1024, "{bytes} bytes in one record");
        }
        assert!(parts.concat() == rows, "{count} rows of {length} bytes");
    }
}
