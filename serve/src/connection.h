// One client's connection: bytes to requests, responses to bytes.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <string>

#include "io_thread.h"

namespace coppice::serve {

/// TCP or local.
using Socket = boost::asio::generic::stream_protocol::socket;

struct Peer {
  std::string address;  ///< for the log
  Origin origin = Origin::kPublic;
};

/// Takes a connected socket of `io.context` over. Call it on that thread. tls may be nullptr.
void start_connection(IoThread& io, Socket socket, Peer peer, boost::asio::ssl::context* tls);

}  // namespace coppice::serve
