"""What AWS, the usage tracker and platform owners deliver of the company, in their own formats."""
