// A thread that reads and writes connections, and what it has to itself.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>

#include "effort.h"
#include "metrics.h"
#include "response.h"
#include "service.h"
#include "spare_buffers.h"

namespace coppice::serve {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A connection as the thread that has it sees it. All calls are made on that thread.
class ConnectionBase
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  ConnectionBase() = default;
  ConnectionBase(const ConnectionBase&) = delete;
  ConnectionBase& operator=(const ConnectionBase&) = delete;
  virtual ~ConnectionBase() = default;

  /// When it was last seen to wait for a request; SteadyTime::max() while it has one.
  [[nodiscard]] virtual SteadyTime idle_since() const noexcept = 0;
  /// The deadline has passed.
  virtual void expire() noexcept = 0;
  virtual void close() noexcept = 0;

  SteadyTime deadline = SteadyTime::max();
};

using ConnectionList = boost::intrusive::list<ConnectionBase, boost::intrusive::constant_time_size<false>>;

struct IoThread {
  IoThread(Service& service_of_all, std::size_t place)
      : service(service_of_all),
        index(place),
        metrics(service.metrics()[place]),
        worker(service.make_worker(place)),
        context(1),
        sweep_timer(context) {}

  /// Closes connections whose time is over, and those that have waited since before `idle_limit`.
  void sweep(SteadyTime now, SteadyTime idle_limit) {
    // A closed connection stays in the list until its last handler has run.
    for (ConnectionBase& connection : connections) {
      if (now >= connection.deadline) {
        connection.expire();
      } else if (connection.idle_since() < idle_limit) {
        connection.close();
      }
    }
  }

  Service& service;
  std::size_t index;
  ThreadMetrics& metrics;
  Worker worker;
  SpareBuffers buffers;
  Response response;  ///< of the request that is being answered on this thread
  SmallFirst small_first;
  ConnectionList connections;
  boost::asio::io_context context;  // after the list: its handlers hold the connections
  boost::asio::steady_timer sweep_timer;
};

}  // namespace coppice::serve
