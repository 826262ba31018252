"""The right answers, worked out from the plan in whole numbers and without any of the models.

`infraspend simulate` writes them beside the deliveries, so that the tests, and whoever changes a
model, can compare the marts with them. Nothing in the plan or the deliveries reads them.
"""
