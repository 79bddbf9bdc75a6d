//! Tables and the property test of the state machine.
