//! Tochka's mirror. See [`crate::emulator`].
