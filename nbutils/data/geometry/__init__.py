"""Where faces and their parts lie in images, and cutting them out."""
