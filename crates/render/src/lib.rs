//! Records to text, for a client's own width and taste.
