"""The organisation stage: windows in; explanations and organisation alerts out."""
