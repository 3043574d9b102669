"""What ships beside the code: words, themes, icons, templates and the sample studies."""
