"""The pages of the site, one file each: what it shows, gathered from what was found."""
