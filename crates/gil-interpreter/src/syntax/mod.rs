//! From source text to bytecode: parse, refuse what is outside the subset, find scopes, compile.
