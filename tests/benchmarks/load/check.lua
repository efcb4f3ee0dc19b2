-- Asks what a file holds, in turns, and compares every answer with another file. Prints one line of JSON at the end.
local BETWEEN = "\n--next request--\n"
local threads = {}
local requests = {}
local expected
local turn = 0
wrong = 0
first = ""

local function content(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local text = content(args[1])
  local at = 1
  while true do
    local from, to = text:find(BETWEEN, at, true)
    table.insert(requests, text:sub(at, from and from - 1))
    if not from then break end
    at = to + 1
  end
  expected = content(args[2])
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- Strings are kept once each, so that comparing two long ones is comparing two addresses.
function response(status, headers, body)
  if status ~= 200 or body ~= expected then
    wrong = wrong + 1
    if first == "" then
      first = "status " .. status .. ", " .. #body .. " bytes for " .. #expected
    end
  end
end

function done(summary, latency, _)
  local wrong, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    first = first ~= "" and first or thread:get("first")
  end
  local errors = summary.errors
  print(string.format(
    '\n{"requests": %d, "microseconds": %d, "wrong": %d, "first": "%s", '
      .. '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d}}',
    summary.requests, summary.duration, wrong, first,
    errors.connect, errors.read, errors.write, errors.timeout
  ))
end
