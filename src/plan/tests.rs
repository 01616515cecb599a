//! Plans of the zoo.
