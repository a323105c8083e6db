"""Bar codes and QR codes: the parts that :func:`scan_codes` and :func:`make_code` are made of."""
