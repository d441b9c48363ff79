//! What RSA must do.
