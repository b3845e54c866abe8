//! runtime-lab.
