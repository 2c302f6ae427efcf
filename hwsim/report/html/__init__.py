"""One self-contained page: styles, figures and data inside it, nothing fetched from anywhere."""
