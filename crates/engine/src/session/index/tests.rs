//! Work on an index is shared by all who wait for it, rings when it is over, and ends with the session.

use std::sync::mpsc::channel;

use farsight_symbols::ImageFile;

use super::*;

fn own() -> Arc<DebugInfo> {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let image = ImageFile::parse(Arc::new(bytes)).unwrap();
    Arc::new(DebugInfo::new(&image, None).unwrap())
}

#[test]
fn who_asks_again_waits_for_the_same_work() {
    let (inbox, news) = channel();
    let info = own();
    let mut builders = Builders::default();
    let (first, done) = builders.work_on(&info, &inbox);
    let (second, _) = builders.work_on(&info, &inbox);
    assert!(Arc::ptr_eq(&first, &second));
    let rung = news.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(rung, EngineMessage::Worked));
    assert!(done.load(Ordering::Acquire));
    assert!(info.ready_index().is_some());
}

#[test]
fn the_end_of_the_session_ends_the_work() {
    let (inbox, news) = channel();
    let info = own();
    let mut builders = Builders::default();
    let (watch, _) = builders.work_on(&info, &inbox);
    drop(builders);
    assert!(watch.is_cancelled());
    // It rings all the same, or whoever waits would wait for ever.
    assert!(matches!(
        news.recv_timeout(Duration::from_secs(60)),
        Ok(EngineMessage::Worked)
    ));
}
