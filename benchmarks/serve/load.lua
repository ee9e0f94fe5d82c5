-- wrk's side of load.py. Arguments: a file of paths, Accept, and a mark that makes every text new ("" for the same texts again).
local paths, number, mark, accept = {}, 0, "", ""

function init(args)
  for path in io.lines(args[1]) do paths[#paths + 1] = path end
  accept, mark = args[2], args[3]
end

function request()
  number = number + 1
  local path = paths[(number - 1) % #paths + 1]
  if mark ~= "" then path = path .. "%23" .. mark .. "-" .. number end
  return wrk.format("GET", path, {["Accept"] = accept, ["Host"] = wrk.host .. ":" .. wrk.port})
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  print(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), failed))
end
