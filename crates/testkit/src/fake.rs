//! stub
/// stub
#[derive(Debug)]
pub struct FakeTarget;
