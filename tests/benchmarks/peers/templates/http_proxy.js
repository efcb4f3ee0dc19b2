// A proxy as one writes it around http-proxy: routes by prefix, a split by the user's cookie, a request id.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const httpProxy = require('http-proxy');

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1024 });
const control = `http://127.0.0.1:${job.control}`;
const candidate = `http://127.0.0.1:${job.candidate}`;
const routes = new Set(job.prefixes);
const cookie = new RegExp(`(?:^|;\\s*)${job.cookie}=([^;]*)`);
const log = job.accessLog ? fs.createWriteStream(job.accessLog) : null;
const proxy = httpProxy.createProxyServer({ agent, xfwd: true });

// All routes have two segments, so one look at a set finds them.
function isClaimed(path) {
  const second = path.indexOf('/', path.indexOf('/', 1) + 1);
  return routes.has(path.slice(0, second + 1));
}

function bucket(user) {
  let hash = 2166136261;
  for (let at = 0; at < user.length; at += 1) {
    hash = Math.imul(hash ^ user.charCodeAt(at), 16777619);
  }
  return (hash >>> 0) % 100;
}

function upstreamOf(request) {
  if (job.percent === 0 || !isClaimed(request.url)) return control;
  const user = cookie.exec(request.headers.cookie || '');
  return user && bucket(user[1]) < job.percent ? candidate : control;
}

proxy.on('error', (error, request, response) => {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'content-length': 0 }).end();
});

const server = http.createServer((request, response) => {
  for (const name of ['x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-host']) {
    delete request.headers[name];
  }
  request.headers['x-real-ip'] = request.socket.remoteAddress;
  request.headers['x-request-id'] = crypto.randomUUID();
  if (log) {
    response.on('finish', () => {
      const line = `${request.socket.remoteAddress} [${new Date().toISOString()}] "${request.method} ${request.url}" ${response.statusCode}\n`;
      log.write(line);
    });
  }
  proxy.web(request, response, { target: upstreamOf(request) });
});
server.keepAliveTimeout = 600000;
server.listen({ host: '127.0.0.1', port: job.port, backlog: 4096 });
process.on('SIGTERM', () => process.exit(0));
