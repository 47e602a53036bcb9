# SPDX-License-Identifier: MIT
"""Jobs over a data set, as tasks of Ray on many machines or by threads of this one.

    import fastbatch.ray as fbr

    report = fbr.verify("s3://bucket/photos", on="ray")     # on the cluster that ray.init() finds
    report = fbr.verify("photos", on="local")               # the same work here

`verify`, `probe`, `statistics` and `index` divide their data into parts, and put the results together in the order of
the data. A part whose worker or machine dies is done again elsewhere, so that each file is reported once. Loaders in
workers of Ray Train take `shard="auto"`.
"""

from .index_job import IndexedArchive, index
from .probe_job import probe
from .statistics_job import statistics
from .tasks import PartLostError
from .verify_job import verify

__all__ = ["IndexedArchive", "PartLostError", "index", "probe", "statistics", "verify"]
