//! What ssh and the machine over there say before there is a server.

use farsight_transport::read_words_of_ssh;

/// An answer is found as soon as its line is whole, and never changes; nothing of it orders a terminal about.
pub fn ssh_words(input: &[u8]) {
    let (answer, told) = read_words_of_ssh(input);
    let shown = format!("{}{told}", answer.clone().unwrap_or_default());
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(told.chars().count() < 1000);
    if answer.is_some() {
        assert_eq!(read_words_of_ssh(&[input, b"farsight-ssh run\n"].concat()).0, answer);
    }
}
