"""What a stack costs: meters that resources say of themselves, dated prices, and the arithmetic between them."""
