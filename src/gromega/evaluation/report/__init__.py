"""The report on a model, as a web page, Markdown and LaTeX."""
