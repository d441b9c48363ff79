"""A web server on a free port of the loopback that wants a client certificate and says whose it is.

usage: https.py CERTIFICATE KEY CA [TLSv1_2|TLSv1_3]

Prints `port N` first, then a line `SUBJECT-CN VERSION PATH` for each page it has given.
"""

import http.server
import ssl
import sys

PAGE = """<!doctype html><meta charset=utf-8><title>Welcome, {name}</title>
<body style="font: 28px sans-serif; margin: 3em; background: #f4f7f2">
<h1>Welcome, {name}</h1>
<p>Your certificate was issued by <b>{issuer}</b>.</p>
<p>{version}, {cipher}</p>
"""


def name(rdns):
    return {key: value for rdn in rdns for key, value in rdn}["commonName"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        peer = self.connection.getpeercert()
        who = name(peer["subject"])
        cipher, version, _ = self.connection.cipher()
        page = PAGE.format(name=who, issuer=name(peer["issuer"]), version=version, cipher=cipher).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
        print(who, version, self.path, flush=True)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, address):
        request.settimeout(60)
        request.do_handshake()  # in the connection's own thread
        super().finish_request(request, address)

    def handle_error(self, _request, _address):
        print("refused:", sys.exc_info()[1], flush=True)


certificate, key, authority, *version = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
if version:
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version[0]]
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("port", server.server_address[1], flush=True)
server.serve_forever()
