"""Holds a lease and counts steps until the lease is lost. Prints when the last step began, in seconds since 1970.

Its parent stops it with SIGSTOP. Arguments: the server, the instance, the resource, ``sync`` or ``async``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import koor_client
import koor_client.aio


def count_sync(client: koor_client.Client, resource: str) -> None:
    last = 0.0
    try:
        with client.leases.hold(resource, ttl_s=1) as lease:
            print("held", flush=True)
            while True:
                began = time.time()
                if lease.lost.is_set():
                    break
                last = began
                time.sleep(0)
    except koor_client.LeaseLostError as error:
        print(last, error.status, flush=True)


async def count_async(client: koor_client.aio.Client, resource: str) -> None:
    last = [0.0]

    async def body(lease: Any) -> None:
        print("held", flush=True)
        while True:
            began = time.time()
            if lease.lost.is_set():
                break
            last[:] = [began]
            await asyncio.sleep(0)
        await asyncio.sleep(60)

    try:
        async with client.leases.hold(resource, ttl_s=1) as lease:
            await body(lease)
    except koor_client.LeaseLostError as error:
        print(last[0], error.status, flush=True)


url, instance, resource, kind = sys.argv[1:]
if kind == "sync":
    count_sync(koor_client.connect(url, "", instance), resource)
else:
    asyncio.run(count_async(koor_client.aio.connect(url, "", instance), resource))
