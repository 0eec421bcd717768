//! Images, symbols and unwinding; pure over read closures.
