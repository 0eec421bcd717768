//! Image files as targets: what is refused, and what is told at once.

use std::sync::mpsc::channel;

use super::*;

fn first_news(path: &str) -> (LinkNews, ImageLink) {
    let (inbox, news) = channel();
    let link = ImageLink::open(path, LinkId(1), inbox);
    let EngineMessage::Link(LinkId(1), news) = news.recv().unwrap() else {
        panic!("links tell news of links");
    };
    (news, link)
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    for (path, why) in [("/no/such/file", "No such file"), ("/", "no file"), (file!(), "")] {
        let (news, _) = first_news(path);
        let LinkNews::Failed(failure) = news else {
            panic!("{path} is no image: {news:?}");
        };
        let text = failure.to_string();
        assert!(text.contains(path) && text.contains(why), "{text}");
    }
}

#[test]
fn an_image_welcomes_at_once() {
    let own = std::env::current_exe().unwrap();
    let (news, _) = first_news(own.to_str().unwrap());
    assert!(matches!(news, LinkNews::Open(_)), "{news:?}");
}
