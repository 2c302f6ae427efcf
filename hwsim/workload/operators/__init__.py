"""One file per idea: matrix products, convolution, pooling, attention, row-wise and elementwise work."""
