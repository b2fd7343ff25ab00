//! `libsourdine`: the C interface of Sourdine.
