"""As etcd3_talk.py, for python3-etcd3gw, which speaks to the JSON gateway.

usage: etcd3gw_talk.py HOST PORT SECTION
"""

import sys
import threading

import etcd3gw
import etcd3gw.exceptions

PATIENCE = 30


def attempt(what, call):
    try:
        print(what, call())
    except etcd3gw.exceptions.Etcd3Exception as error:
        print(what, "->", type(error).__name__, error)


def metadata(found):
    return [(value, sorted(item.items())) for value, item in found]


def event(found):
    return sorted((name, sorted(value.items()) if isinstance(value, dict) else value) for name, value in found.items())


def keys(client):
    attempt("put", lambda: client.put("a", "1"))
    attempt("put again", lambda: client.put("a", "2"))
    attempt("get", lambda: client.get("a"))
    attempt("get with metadata", lambda: metadata(client.get("a", metadata=True)))
    attempt("get of what is not there", lambda: client.get("absent"))
    attempt("create", lambda: client.create("n", "1"))
    attempt("create again", lambda: client.create("n", "2"))
    attempt("replace", lambda: client.replace("n", "1", "3"))
    attempt("replace again", lambda: client.replace("n", "1", "4"))
    for i in range(4):
        client.put("p/%d" % i, "v%d" % (9 - i))
    attempt("get_prefix", lambda: metadata(client.get_prefix("p/")))
    for order in ("ascend", "descend"):
        for target in ("key", "version", "create", "mod", "value"):
            attempt("get_prefix %s %s" % (order, target), lambda: [m["key"] for _, m in client.get_prefix("p/", sort_order=order, sort_target=target)])
    attempt("get with a limit", lambda: client.get("p/0", range_end="cC80", limit=2))
    attempt("delete", lambda: client.delete("n"))
    attempt("delete again", lambda: client.delete("n"))
    attempt("delete_prefix", lambda: client.delete_prefix("p/"))
    attempt("get_all", lambda: metadata(client.get_all()))
    attempt("put of an empty key", lambda: client.put("", "v"))
    attempt("transaction", lambda: client.transaction({
        "compare": [{"key": "YQ==", "result": "EQUAL", "target": "VERSION", "version": 2}],
        "success": [{"request_range": {"key": "YQ=="}}, {"request_put": {"key": "Yg==", "value": "MQ=="}}],
        "failure": []})["succeeded"])
    attempt("transaction of duplicate keys", lambda: client.transaction({
        "success": [{"request_put": {"key": "Yg=="}}, {"request_put": {"key": "Yg=="}}]}))


def leases(client):
    lease = client.lease(ttl=1000)
    print("lease", lease.id > 0)
    attempt("put", lambda: client.put("a", "1", lease))
    attempt("ttl", lambda: 900 < lease.ttl() <= 1000)
    attempt("refresh", lease.refresh)
    attempt("keys", lease.keys)
    attempt("revoke", lease.revoke)
    attempt("get", lambda: client.get("a"))
    attempt("ttl of what is gone", lease.ttl)
    attempt("refresh of what is gone", lease.refresh)
    attempt("keys of what is gone", lease.keys)
    attempt("a long time", lambda: client.lease(ttl=9000000001).id)


def locks(client):
    lock = client.lock("l", ttl=60)
    attempt("acquire", lock.acquire)
    attempt("is_acquired", lock.is_acquired)
    attempt("refresh", lock.refresh)
    other = client.lock("l", ttl=60)
    attempt("acquire what is taken", other.acquire)
    attempt("release what is not held", other.release)
    attempt("release", lock.release)
    attempt("acquire what is free", other.acquire)
    attempt("release again", other.release)
    with client.lock("m", ttl=20) as held:
        print("with", held.is_acquired())


def watches(client):
    def later(*calls):
        # The library does not say when its watch is there.
        def run():
            for call in calls:
                call()
        threading.Timer(0.5, run).start()

    iterator, cancel = client.watch("w")
    later(lambda: client.put("w", "1"), lambda: client.put("w", "2"), lambda: client.delete("w"))
    print("watch", [event(next(iterator)) for _ in range(3)])
    cancel()
    iterator, cancel = client.watch_prefix("q/")
    later(lambda: client.put("q/1", "1"), lambda: client.put("q/2", "2"))
    print("watch_prefix", [event(next(iterator)) for _ in range(2)])
    cancel()
    later(lambda: client.put("w", "3"))
    print("watch_once", event(client.watch_once("w", timeout=PATIENCE)))
    later(lambda: client.put("q/3", "3"))
    print("watch_prefix_once", event(client.watch_prefix_once("q/", timeout=PATIENCE)))
    try:
        print("watch_once of nothing", client.watch_once("nothing", timeout=0.2))
    except etcd3gw.exceptions.WatchTimedOut:
        print("watch_once of nothing timed out")


def members(client):
    print("members", client.members())
    status = client.status()
    print("status", status["leader"], status["header"]["member_id"], int(status["dbSize"]) > 0)


def main():
    host, port, section = sys.argv[1:]
    # By itself the library asks for /v3alpha, which etcd has not served since 3.4.
    globals()[section](etcd3gw.Etcd3Client(host=host, port=int(port), timeout=PATIENCE, api_path="/v3/"))
    print("done")
    sys.stdout.flush()


main()
