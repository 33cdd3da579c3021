"""The worked examples: invented applicants with planted, known truth, and the ShopFlow test fixtures."""
