# SPDX-License-Identifier: Apache-2.0
"""kube_server: a stand-in for kube-apiserver: TLS, HTTP/1.1 and HTTP/2, a store of objects with lists, pages, watches,
bookmarks and streaming lists in the form a real one has; it replays recorded exchanges, and misbehaves when told to.

It runs in a thread of its own; everything but start() and stop() may be called from any thread."""

import asyncio
import base64
import copy
import gzip
import json
import os
import random
import re
import ssl
import subprocess
import threading
import time

import kube_rules
from kube_rules import KINDS, PLURALS, Refused
from kube_wire import Answer1, Gone, Link2, Request

def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def status(code, reason, message, **more):
    return compact({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                    "reason": reason, **more, "code": code}) + "\n"


class KubeServer:
    def __init__(self, folder, version="1.34", h2_too=True, token="secret-token", tls=True, namespace="edge"):
        self.folder, self.version, self.h2_too, self.token, self.tls = str(folder), version, h2_too, token, tls
        self.port, self.loop, self.thread, self.server = 0, None, None, None
        self.lock = threading.RLock()
        self.rv, self.oldest, self.objects, self.log, self.changed = 100, 0, {}, [], None
        self.requests, self.links, self.connections, self.links2 = [], set(), 0, set()
        # What it does wrong, or differently.
        self.streaming = version >= "1.32"
        self.missing, self.forbidden, self.scripts = set(), set(), []
        self.frozen, self.refuse_watch_bookmarks, self.chunk = False, False, 0
        self.max_streams, self.page_limit, self.bookmark_s, self.watch_s = 100, 0, 0, 0
        self.silent_restore = False
        # Roles that allow what is asked (kube_rules.roles_of); None: everything is allowed. And what was used of them.
        self.roles, self.used, self.terminating = None, set(), set()
        self.rules = kube_rules.Rules()
        self.client_ca = None  # whose certificate clients need
        self.generation = 0
        self.ca = os.path.join(self.folder, "ca.crt")
        self.namespace = namespace
        os.makedirs(self.folder, exist_ok=True)
        self.write_files()

    # ------------------------------------------------------------------ files --

    def write_files(self):
        if self.tls and not os.path.exists(self.ca):
            self.new_certificate()
        self.write_token(self.token)
        with open(os.path.join(self.folder, "namespace"), "w", encoding="utf-8") as file:
            file.write(self.namespace)

    def new_certificate(self):
        """Its own CA; those who connect from now on see it."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=kube-apiserver", "-addext", "subjectAltName=DNS:kubernetes.test,IP:127.0.0.1,IP:::1",
             "-keyout", os.path.join(self.folder, "server.key"), "-out", self.ca], check=True, capture_output=True)

    def write_token(self, token):
        path = os.path.join(self.folder, "token")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(token + "\n")
        os.rename(path + ".new", path)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def kubeconfig(self, name="kubeconfig", user=None, **cluster):
        path = os.path.join(self.folder, name)
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": self.namespace}}],
                  "clusters": [{"name": "c", "cluster": {"server": self.url,
                                                         **({"certificate-authority": "ca.crt"} if self.tls else {}), **cluster}}],
                  "users": [{"name": "u", "user": user or {"tokenFile": "token"}}]}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return path

    # ------------------------------------------------------------------- life --

    def start(self):
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)
        return self

    def run(self, ready):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.changed = asyncio.Event()
        self.loop.run_until_complete(self.listen())
        ready.set()
        self.loop.run_forever()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, os.path.join(self.folder, "server.key"))
        context.set_alpn_protocols(["h2", "http/1.1"] if self.h2_too else ["http/1.1"])
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def listen(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port,
                                                 ssl=self.context() if self.tls else None, limit=1 << 20)
        self.port = self.server.sockets[0].getsockname()[1]

    def do(self, coroutine, timeout=10):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    async def drop(self, abort):
        for writer in list(self.links):
            if abort:
                writer.transport.abort()
            else:
                writer.close()
        self.links.clear()

    async def close_listener(self):
        self.server.close()

    def down(self, abort=True):
        """Stops listening and cuts every connection, as after SIGKILL."""
        self.do(self.close_listener())
        self.do(self.drop(abort))

    def stop_listening(self):
        """As after SIGTERM: what runs goes on."""
        self.do(self.close_listener())

    def up(self):
        self.do(self.listen())

    def cut(self):
        """Cuts every connection; new ones are accepted."""
        self.do(self.drop(True))

    def goaway(self):
        """As a server behind a balancer does now and then: streams go on, new ones need a new connection."""
        async def say():
            for link in self.links2:
                last = max(link.tasks, default=0)
                link.writer.write(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + b"\0\0\0\0")
        self.do(say())

    def stop(self):
        self.frozen = False
        if self.loop:
            self.down()
            self.do(self.end_tasks())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(5)
            self.loop.close()
            self.loop = None

    async def end_tasks(self):
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=2) if tasks else None

    # --------------------------------------------------------------- connections --

    async def accept(self, reader, writer):
        self.links.add(writer)
        self.connections += 1
        ssl_object = writer.get_extra_info("ssl_object")
        try:
            if ssl_object and ssl_object.selected_alpn_protocol() == "h2":
                link = Link2(self, reader, writer)
                self.links2.add(link)
                try:
                    await link.run()
                finally:
                    self.links2.discard(link)
            else:
                await self.run_http1(reader, writer)
        except (Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.links.discard(writer)
            writer.close()

    async def run_http1(self, reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            while self.frozen:
                await asyncio.sleep(0.05)
            lines = head.decode().split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = Answer1(writer)
            task = asyncio.create_task(self.serve(Request(method, path, headers, body, "1.1"), answer))
            ended = asyncio.create_task(reader.read(1)) if "watch=" in path else None
            await asyncio.wait([task] + ([ended] if ended else []), return_when=asyncio.FIRST_COMPLETED)
            if ended and not task.done():
                task.cancel()
                return
            if ended:
                # A byte that was read belongs to the next request: this stand-in wants a new connection for it.
                ended.cancel()
            if answer.closed or task.exception():
                return
            if ended:
                return

    async def serve(self, request, answer):
        with self.lock:
            self.requests.append(request)
        while self.frozen:
            await asyncio.sleep(0.05)
        try:
            await self.answer(request, answer)
        except Gone:
            answer.abort() if isinstance(answer, Answer1) else None

    # --------------------------------------------------------------------- answers --

    def when(self, match, *actions):
        """The next requests that match (a regular expression on "METHOD path?query") get these actions, one each."""
        with self.lock:
            self.scripts.append((re.compile(match), list(actions)))

    def scripted(self, request):
        with self.lock:
            for pattern, actions in self.scripts:
                if actions and pattern.search(f"{request.method} {request.full_path}"):
                    return actions.pop(0) if actions[0] is not Ellipsis else None
        return None

    HEADERS = [("Audit-Id", "9e3ef6e2-bb11-4bfa-8b02-fbd0dbfd9be2"), ("Cache-Control", "no-cache, private")]

    async def plain(self, answer, code, text, kind="application/json", headers=()):
        data = text.encode() if isinstance(text, str) else text
        await answer.head(code, self.HEADERS + [("Content-Type", kind)] + list(headers), len(data))
        await answer.data(data)
        await answer.end()

    async def not_found(self, answer):
        await self.plain(answer, 404, "404 page not found\n", "text/plain; charset=utf-8",
                         [("X-Content-Type-Options", "nosniff")])

    async def answer(self, request, answer):
        action = self.scripted(request)
        if action:
            if await action(self, request, answer) is not False:
                return
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            await self.plain(answer, 401, status(401, "Unauthorized", "Unauthorized"))
            return
        if request.path == "/version":
            await self.plain(answer, 200, '{"major":"1","minor":"34"}')
            return
        group = re.fullmatch(r"/apis/([^/]+/[^/]+)|/api/(v1)", request.path)
        if group:
            await self.discover(answer, group[1] or group[2])
            return
        found = re.fullmatch(r"/(?:api/(v1)|apis/([^/]+/[^/]+))(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?(/status)?",
                             request.path)
        plural = found and found[4]
        if found and plural in KINDS and await self.refused(request, answer, plural, found[3], found[5], bool(found[6])):
            return
        if not found or plural not in KINDS or KINDS[plural][0] != (found[1] or found[2]) or plural in self.missing:
            await self.not_found(answer)
            return
        try:
            if request.method != "GET":
                await self.write(request, answer, plural, found[3], found[5], bool(found[6]))
            elif found[5]:
                await self.get(answer, plural, found[3], found[5])
            else:
                kube_rules.check_list(request.query)
                await (self.watch if request.is_watch else self.list)(request, answer, plural, found[3])
        except Refused as refused:
            await self.plain(answer, refused.code, status(refused.code, refused.reason, refused.message, details=refused.details))

    async def discover(self, answer, group):
        resources = [{"name": plural, "singularName": kind.lower(), "namespaced": scoped, "kind": kind, "verbs": ["list", "watch"]}
                     for plural, (version, kind, scoped) in KINDS.items()
                     if version == group and plural not in self.missing]
        if not resources:
            await self.not_found(answer)
            return
        await self.plain(answer, 200, compact({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group,
                                               "resources": resources}))

    async def refused(self, request, answer, plural, namespace, name=None, is_status=False):
        verb, group = kube_rules.verb_of(request, name), KINDS[plural][0].rpartition("/")[0]
        resource = plural + ("/status" if is_status else "")
        named = re.fullmatch(r"metadata\.name=(.+)", request.query.get("fieldSelector", ""))
        self.used.add((namespace, group, resource, verb))
        is_allowed = self.roles is None or kube_rules.allows(self.roles, verb, group, resource, namespace, name or (named and named[1]))
        if is_allowed and not {plural, (plural, namespace), (plural, verb)} & self.forbidden:
            return False
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        await self.plain(answer, 403, status(
            403, "Forbidden", f'{plural}{"." + group if group else ""} is forbidden: User "system:serviceaccount:edge:ingress" cannot '
            f'{verb} resource "{plural}" in API group "{group}" {where}', details={"group": group, "kind": plural}),
            headers=[("X-Content-Type-Options", "nosniff")])
        return True

    # ----------------------------------------------------------------------- store --

    def key(self, item):
        meta = item["metadata"]
        return PLURALS[item["kind"]], meta.get("namespace", ""), meta["name"]

    def put(self, *items):
        """Creates or replaces objects."""
        with self.lock:
            for item in items:
                item = copy.deepcopy(item)
                plural, namespace, name = self.key(item)
                meta = item["metadata"]
                if KINDS[plural][2]:
                    meta.setdefault("namespace", "default")
                if plural == "secrets" and "stringData" in item:
                    data = item.pop("stringData")
                    item.setdefault("data", {}).update({k: base64.b64encode(v.encode()).decode() for k, v in data.items()})
                key = (plural, meta.get("namespace", ""), name)
                old = self.objects.get(key)
                faults = self.rules.faults(plural, item)
                assert not faults, f"an API server would not take this {item['kind']}: {faults}"
                self.rv += 1
                meta["resourceVersion"] = str(self.rv)
                meta.setdefault("uid", old["metadata"]["uid"] if old else f"00000000-0000-4000-8000-{self.rv:012d}")
                meta.setdefault("creationTimestamp", "2026-11-22T19:05:01Z")
                if old and any(old.get(k) != item.get(k) for k in {*old, *item} - {"metadata", "status"}):
                    meta["generation"] = old["metadata"]["generation"] + 1
                meta.setdefault("generation", old["metadata"]["generation"] if old else 1)
                meta["managedFields"] = [{"apiVersion": item["apiVersion"], "fieldsType": "FieldsV1", "manager": "kubectl",
                                          "fieldsV1": {"f:spec": {".": {}}}, "operation": "Update"}]
                self.objects[key] = item
                self.log.append((self.rv, "MODIFIED" if old else "ADDED", key, item))
        self.wake()

    def install(self, *plurals):
        """Somebody applies the definitions: seen by watchers, established a moment later."""
        for plural in plurals:
            version, kind, _ = KINDS[plural]
            name = f'{plural}.{version.rpartition("/")[0]}'
            item = {"apiVersion": KINDS["customresourcedefinitions"][0], "kind": "CustomResourceDefinition", "metadata": {"name": name},
                    "spec": {"names": {"kind": kind, "plural": plural}}}
            self.put(item)
            self.missing.discard(plural)
            self.put({**item, "status": {"conditions": [{"type": "Established", "status": "True"}]}})

    def delete(self, kind, namespace, name):
        with self.lock:
            key = (PLURALS[kind], namespace, name)
            item = copy.deepcopy(self.objects.pop(key))
            self.rv += 1
            item["metadata"]["resourceVersion"] = str(self.rv)
            self.log.append((self.rv, "DELETED", key, item))
        self.wake()

    def compact(self):
        """What happened up to now cannot be watched any more."""
        with self.lock:
            self.rv += 1
            self.oldest = self.rv
            self.log.clear()

    def restore(self, rv=50):
        """The store is put back to an older revision, as from a backup; objects stay those of now."""
        with self.lock:
            self.rv, self.oldest = rv, 0
            self.log.clear()
            self.generation += 1

    def wake(self):
        if self.loop:
            self.loop.call_soon_threadsafe(self.pulse)

    def pulse(self):
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    def chosen(self, request, plural, namespace):
        def matches(item):
            labels = item["metadata"].get("labels", {})
            for term in filter(None, request.query.get("labelSelector", "").split(",")):
                name, value = re.split("!?=+", term)
                if (labels.get(name) == value) == ("!=" in term):
                    return False
            for term in filter(None, request.query.get("fieldSelector", "").split(",")):
                name, _, value = term.partition("=")
                if {"metadata.name": item["metadata"]["name"], "type": item.get("type")}.get(name) != value:
                    return False
            return not namespace or item["metadata"].get("namespace") == namespace
        return lambda key, item: key[0] == plural and matches(item)

    # ----------------------------------------------------------------- lists, watches --

    async def send(self, answer, data):
        """In chunks of at most self.chunk bytes, cut at random; 0: as it is."""
        while data:
            size = random.randint(1, self.chunk) if self.chunk else len(data)
            await answer.data(data[:size])
            data = data[size:]

    def list_text(self, plural, items, rv, token, remaining):
        version, kind, _ = KINDS[plural]
        is_custom = "." in version and not version.endswith("k8s.io/v1")
        meta = {"resourceVersion": str(rv)}
        if token:
            meta.update({"continue": token, "remainingItemCount": remaining})
        if is_custom:
            return compact({"apiVersion": version, "items": items, "kind": kind + "List", "metadata": {"continue": "", **meta}})
        bare = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        return compact({"kind": kind + "List", "apiVersion": version, "metadata": meta, "items": bare})

    async def list(self, request, answer, plural, namespace):
        with self.lock:
            chosen = self.chosen(request, plural, namespace)
            items = [item for key, item in sorted(self.objects.items(), key=lambda pair: pair[0]) if chosen(key, item)]
            rv, first = self.rv, 0
            asked = int(request.query.get("resourceVersion") or 0)
        if asked > rv:
            await asyncio.sleep(0.2)
            await self.plain(answer, 504, status(
                504, "Timeout", f"Timeout: Too large resource version: {asked}, current: {rv}",
                details={"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                         "retryAfterSeconds": 1}), headers=[("Retry-After", "1")])
            return
        if "continue" in request.query:
            rv, first = map(int, base64.b64decode(request.query["continue"]).decode().split(":"))
            if rv < self.oldest:
                await self.plain(answer, 410, status(410, "Expired", "The provided continue parameter is too old to "
                                                     "display a consistent list result."))
                return
        limit = 0 if request.query.get("resourceVersion") == "0" else int(request.query.get("limit") or 0)
        limit = min(limit or 1 << 30, self.page_limit or 1 << 30)
        page, rest = items[first:first + limit], len(items) - first - limit
        token = base64.b64encode(f"{rv}:{first + limit}".encode()).decode() if rest > 0 else ""
        data = self.list_text(plural, page, rv, token, rest).encode() + b"\n"
        headers = self.HEADERS + [("Content-Type", "application/json")]
        if "gzip" in request.headers.get("accept-encoding", "") and len(data) > 128 << 10:
            data = gzip.compress(data, 1)
            headers.append(("Content-Encoding", "gzip"))
        await answer.head(200, headers)
        await self.send(answer, data)
        await answer.end()

    async def watch(self, request, answer, plural, namespace):
        initial = request.query.get("sendInitialEvents") == "true"
        if initial and not self.streaming:
            await self.plain(answer, 422, status(
                422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is '
                "forbidden for watch unless the WatchList feature gate is enabled"))
            return
        await answer.head(200, self.HEADERS + [("Content-Type", "application/json")])
        at = int(request.query.get("resourceVersion") or 0)
        answer.meta_only = "as=PartialObjectMetadata;" in request.headers.get("accept", "")
        with self.lock:
            chosen, generation = self.chosen(request, plural, namespace), self.generation
            if initial or at == 0:
                at = self.rv
                now = [("ADDED", item) for key, item in self.objects.items() if chosen(key, item)]
            else:
                now = []
        for kind, item in now:
            await self.event(answer, kind, item)
        if initial:
            await self.bookmark(answer, plural, at, {"annotations": {"k8s.io/initial-events-end": "true"}})
        end = time.monotonic() + (self.watch_s or int(request.query.get("timeoutSeconds") or 1800))
        if await self.follow(answer, plural, chosen, at, end, generation):
            await answer.end()

    async def event(self, answer, kind, item):
        if getattr(answer, "meta_only", False) and kind != "ERROR":
            item = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
        await self.send(answer, compact({"type": kind, "object": item}).encode() + b"\n")

    async def bookmark(self, answer, plural, rv, more=None):
        version, kind, _ = KINDS[plural]
        await self.event(answer, "BOOKMARK", {"kind": kind, "apiVersion": version,
                                              "metadata": {**(more or {}), "resourceVersion": str(rv)}, "endpoints": None,
                                              "ports": None})

    async def follow(self, answer, plural, chosen, at, end, generation):
        if at < self.oldest:
            await self.event(answer, "ERROR", json.loads(status(410, "Expired", f"too old resource version: {at} ({self.rv})")))
            return True
        next_bookmark = time.monotonic() + (self.bookmark_s or 60)
        while time.monotonic() < end:
            with self.lock:
                event = self.changed
                # A revision that is still to come: silence.
                news = [row for row in self.log if row[0] > at] if at <= self.rv else []
            for rv, kind, key, item in news:
                at = rv
                if chosen(key, item):
                    await self.event(answer, kind, item)
            wait = min(end, next_bookmark) - time.monotonic()
            if time.monotonic() >= next_bookmark:
                next_bookmark = time.monotonic() + (self.bookmark_s or 60)
                if at <= self.rv:
                    at = self.rv
                    await self.bookmark(answer, plural, at)
            try:
                await asyncio.wait_for(event.wait(), max(0.01, wait))
            except asyncio.TimeoutError:
                pass
        return True

    # ------------------------------------------------------------------------- writes --

    async def get(self, answer, plural, namespace, name):
        with self.lock:
            item = self.objects.get((plural, namespace or "", name))
        if item:
            await self.plain(answer, 200, compact(item))
            return
        group = KINDS[plural][0].rpartition("/")[0]
        await self.plain(answer, 404, status(404, "NotFound", f'{plural}{"." + group if group else ""} "{name}" not found',
                                             details={"name": name, "group": group, "kind": plural}))

    async def write(self, request, answer, plural, namespace, name, is_status):
        version, kind, _ = KINDS[plural]
        content_type = request.headers.get("content-type")
        if request.method != "PATCH" and content_type != "application/json":
            raise Refused(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {content_type}")
        if request.method == "POST" and namespace in self.terminating:
            what = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise Refused(403, "Forbidden", f'{plural} is forbidden: {what}', causes=[
                {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated", "field": "metadata.namespace"}])
        with self.lock:
            code, body = self.written(request, plural, namespace, name, is_status)
        await self.plain(answer, code, compact(body))

    def written(self, request, plural, namespace, name, is_status):
        version, kind, _ = KINDS[plural]
        code, title = 200, f'{plural}.{version.rpartition("/")[0]}'
        if request.method != "PATCH":
            try:
                body = json.loads(request.body)
            except ValueError:
                raise Refused(400, "BadRequest", "the object provided is unrecognized: json parse error") from None
            kube_rules.check_object(plural, kind, version, namespace, body)
            name = body["metadata"]["name"]
        key = (plural, namespace or "", name)
        old = self.objects.get(key)
        if request.method == "POST":
            if old:
                raise Refused(409, "AlreadyExists", f'{title} "{name}" already exists')
            code = 201
        elif not old:
            raise Refused(404, "NotFound", f'{title} "{name}" not found')
        elif request.method == "PATCH":
            body = self.rules.patched(plural, key, old, request, is_status)
        elif not body["metadata"].get("resourceVersion"):
            kube_rules.invalid(kind, name, "metadata.resourceVersion", "0: must be specified for an update")
        elif body["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", f'Operation cannot be fulfilled on {title} "{name}": the object has been modified')
        if namespace:
            body["metadata"]["namespace"] = namespace
        # What changes nothing is no event.
        if not (request.method == "PATCH" and body == old):
            self.put(body)
        return code, self.objects[key]

    # ---------------------------------------------------------------------- for tests --

    def seen(self, pattern):
        with self.lock:
            return [r for r in self.requests if re.search(pattern, f"{r.method} {r.full_path}")]
