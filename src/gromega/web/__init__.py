"""The web page and its HTTP interface: a measured PDF in, an answer out."""
