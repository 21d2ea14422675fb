"""Runs the rows of clients/behaviours.json that need a cluster, with the sync client and with the asyncio client."""

from __future__ import annotations

import unittest

from . import behaviours_cluster
from .support import NO_CLUSTER


@unittest.skipIf(NO_CLUSTER, NO_CLUSTER)
class SyncCluster(behaviours_cluster.ClusterBehaviours):
    is_async = False


@unittest.skipIf(NO_CLUSTER, NO_CLUSTER)
class AsyncCluster(behaviours_cluster.ClusterBehaviours):
    is_async = True
