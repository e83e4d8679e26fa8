//! One integration binary: everything here goes through the public API or the real program.
