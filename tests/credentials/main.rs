//! The three kinds of credentials: what is minted, what a Secret shows, what is read back and what is refused.

mod fixture;
mod formats;
mod hostile;
mod keys;
mod lines;
mod openssh;
mod passphrases;
mod passwords;
mod reading;
mod rendered;
mod showing;
mod templates;
mod uploads;
