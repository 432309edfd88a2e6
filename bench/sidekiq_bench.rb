#!/usr/bin/ruby
# Sidekiq on Redis, for what bench/workers.py measures of `tranter work`.
#
# Usage: sidekiq_bench.rb throughput|latency PORT JOBS THREADS PID_OF_REDIS     prints JSON
# frozen_string_literal: true

require "json"
require "sidekiq"

PORT = Integer(ENV["SIDEKIQ_BENCH_PORT"] || ARGV[1])
QUEUE = "bench"
BATCH = 1_000 # what its documentation recommends for push_bulk
PATIENCE_SECONDS = 60
REDIS = { url: "redis://127.0.0.1:#{PORT}/0" }.freeze

Redis.silence_deprecations = true # Debian's gems are of different ages
Sidekiq.configure_client { |config| config.redis = REDIS }
Sidekiq.configure_server do |config|
  config.redis = REDIS
  config.logger.level = Logger::WARN
end

def now_ns
  Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

class Noop
  include Sidekiq::Job
  sidekiq_options queue: QUEUE

  def perform(number, text); end
end

# Says when it began, on a clock that all processes share.
class Began
  include Sidekiq::Job
  sidekiq_options queue: QUEUE

  def perform
    began = now_ns
    Sidekiq.redis { |redis| redis.rpush("began", began) }
  end
end

def run_and_wait
  began = now_ns
  Began.perform_async
  _, at = Sidekiq.redis { |redis| redis.blpop("began", timeout: PATIENCE_SECONDS) }
  Integer(at) - began
end

# With a worker whose threads have all worked.
def with_worker(threads)
  words = ["sidekiq", "--require", File.expand_path(__FILE__), "--concurrency", threads.to_s, "--queue", QUEUE,
           "--environment", "production"]
  pid = spawn({ "SIDEKIQ_BENCH_PORT" => PORT.to_s }, *words, out: File::NULL, err: File::NULL)
  (50 * threads).times { run_and_wait }
  yield pid
ensure
  Process.kill("TERM", pid)
  Process.wait(pid)
end

# User and system seconds so far, from clock ticks of 10 ms.
def cpu_seconds(pid)
  File.read("/proc/#{pid}/stat").rpartition(")").last.split[11, 2].sum { |ticks| Integer(ticks) } / 100.0
end

def throughput(jobs, threads, redis_pid)
  with_worker(threads) do |worker|
    jobs.times.each_slice(BATCH) do |numbers|
      # Where nobody looks until all of them are there.
      Sidekiq::Client.push_bulk("class" => Noop, "queue" => "held",
                                "args" => numbers.map { |number| [number, "x" * 225] })
    end
    before = [worker, redis_pid].map { |pid| cpu_seconds(pid) }
    began = now_ns
    Sidekiq.redis { |redis| redis.rename("queue:held", "queue:#{QUEUE}") }
    sleep(0.002) while Sidekiq.redis { |redis| redis.llen("queue:#{QUEUE}") }.positive?
    seconds = (now_ns - began) / 1e9
    used = [worker, redis_pid].map.with_index { |pid, i| cpu_seconds(pid) - before[i] }
    { rate: jobs / seconds, worker_us: used[0] / jobs * 1e6, server_us: used[1] / jobs * 1e6 }
  end
end

def latency(jobs, threads, _)
  with_worker(threads) do
    times = Array.new(jobs) { run_and_wait }.sort
    [50, 90, 99].to_h { |share| ["p#{share}_us", times[times.size * share / 100] / 1e3] }
  end
end

if $PROGRAM_NAME == __FILE__
  mode, _, jobs, threads, redis_pid = ARGV
  run = { "throughput" => :throughput, "latency" => :latency }.fetch(mode)
  puts JSON.generate(send(run, Integer(jobs), Integer(threads), Integer(redis_pid)))
end
