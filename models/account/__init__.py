"""The account stage: requests in; windows, link observations, edges and account alerts out."""
