//! The museum of defects: each is found where it is, and nowhere else.

mod flawed;
mod polling;
mod trials;
