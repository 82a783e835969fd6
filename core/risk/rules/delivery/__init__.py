"""How it is built and brought out: pipelines, images."""
