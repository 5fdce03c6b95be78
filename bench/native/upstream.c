// The provider of the benchmarks: one epoll loop that answers each POST with 1.5 KB of JSON, or with what the request's model asks for:
// "bench-sse:ID:INTERVAL_US:COUNT" events that carry id, number and time, "bench-down:BYTES" a long answer. Usage: upstream PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 32768
#define PEEK_MAX 2048
#define MAX_FDS 65536

// what a connection is doing: reading a request's head, its body, or writing an answer
enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, STREAM, FLOOD };

struct connection {
  int fd;
  enum state state;
  bool waits_for_write;
  char *head;
  size_t head_length;
  uint64_t body_left;
  char line[32];
  size_t line_length;
  char peek[PEEK_MAX + 1];
  size_t peek_length;
  char *out;
  size_t out_length, out_sent;
  // an event stream
  uint64_t id, sequence, count, interval, due;
  int heap_at;
  // a long answer
  uint64_t flood_left;
};

static struct connection *connections[MAX_FDS];
static struct connection *heap[MAX_FDS];
static int heap_size;
static int poller, timer;
static char answer[4096];
static size_t answer_length;
static char flood[65536];

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void heap_put(int at, struct connection *c) {
  heap[at] = c;
  c->heap_at = at;
}

static void heap_up(int at) {
  struct connection *c = heap[at];
  while (at > 0 && heap[(at - 1) / 2]->due > c->due) {
    heap_put(at, heap[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  heap_put(at, c);
}

static void heap_down(int at) {
  struct connection *c = heap[at];
  for (;;) {
    int child = 2 * at + 1;
    if (child >= heap_size) break;
    if (child + 1 < heap_size && heap[child + 1]->due < heap[child]->due) child += 1;
    if (heap[child]->due >= c->due) break;
    heap_put(at, heap[child]);
    at = child;
  }
  heap_put(at, c);
}

static void heap_remove(struct connection *c) {
  int at = c->heap_at;
  if (at < 0) return;
  c->heap_at = -1;
  heap_size -= 1;
  if (at == heap_size) return;
  heap_put(at, heap[heap_size]);
  heap_up(at);
  heap_down(heap[at]->heap_at);
}

static void arm_timer(void) {
  struct itimerspec when = {0};
  if (heap_size > 0) {
    when.it_value.tv_sec = (time_t)(heap[0]->due / 1000000000u);
    when.it_value.tv_nsec = (long)(heap[0]->due % 1000000000u);
  }
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void drop(struct connection *c) {
  heap_remove(c);
  connections[c->fd] = NULL;
  close(c->fd);
  free(c->head);
  free(c->out);
  free(c);
}

static void watch(struct connection *c, bool write) {
  if (c->waits_for_write == write) return;
  c->waits_for_write = write;
  struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.fd = c->fd};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

// Writes what it can and keeps the rest. False: the connection is gone.
static bool say(struct connection *c, const char *text, size_t length) {
  size_t sent = 0;
  if (c->out_length == c->out_sent) {
    ssize_t n = send(c->fd, text, length, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    sent = n < 0 ? 0 : (size_t)n;
  }
  if (sent == length) return true;
  if (c->out_sent > 0) {
    memmove(c->out, c->out + c->out_sent, c->out_length - c->out_sent);
    c->out_length -= c->out_sent;
    c->out_sent = 0;
  }
  c->out = realloc(c->out, c->out_length + length - sent);
  memcpy(c->out + c->out_length, text + sent, length - sent);
  c->out_length += length - sent;
  watch(c, true);
  return true;
}

static bool say_flood(struct connection *c) {
  while (c->flood_left > 0 && c->out_length == c->out_sent) {
    size_t length = c->flood_left < sizeof flood ? (size_t)c->flood_left : sizeof flood;
    if (!say(c, flood, length)) return false;
    c->flood_left -= length;
  }
  if (c->flood_left == 0) c->state = HEAD;
  return true;
}

static bool say_event(struct connection *c, uint64_t now) {
  static const char pad[] =
      "the quick brown bearer jumps over the lazy token, and the relay passes each word as it comes to the page";
  char event[1024], chunk[1200];
  int length = snprintf(
      event, sizeof event,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-mini\","
      "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"#%llu %llu %llu# %s\"},\"finish_reason\":null}]}\n\n",
      (unsigned long long)c->id, (unsigned long long)c->sequence, (unsigned long long)now, pad);
  if (++c->sequence == c->count) {
    length += snprintf(event + length, sizeof event - (size_t)length,
                       "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                       "\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":230,\"completion_tokens\":240,"
                       "\"total_tokens\":470}}\n\ndata: [DONE]\n\n");
  }
  int total = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n%s", (unsigned)length, event,
                       c->sequence == c->count ? "0\r\n\r\n" : "");
  if (!say(c, chunk, (size_t)total)) return false;
  if (c->sequence == c->count) {
    heap_remove(c);
    c->state = HEAD;
  } else {
    c->due += c->interval;
    heap_down(c->heap_at);
  }
  return true;
}

// The whole request is read: answers as its model says. False: the connection is gone.
static bool reply(struct connection *c) {
  c->peek[c->peek_length] = 0;
  c->peek_length = 0;
  c->head_length = 0;
  c->state = HEAD;
  char *wish = strstr(c->peek, "bench-");
  unsigned long long id, interval, count, bytes;
  char head[256];
  if (wish != NULL && sscanf(wish, "bench-sse:%llu:%llu:%llu", &id, &interval, &count) == 3) {
    static const char sse[] =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    if (!say(c, sse, sizeof sse - 1)) return false;
    c->id = id;
    c->sequence = 0;
    c->count = count;
    c->interval = interval * 1000;
    // the phases of streams that were opened together must not coincide
    c->due = now_ns() + (id * 2654435761u % 4096) * c->interval / 4096;
    c->state = STREAM;
    heap_put(heap_size++, c);
    heap_up(c->heap_at);
    arm_timer();
    return true;
  }
  if (wish != NULL && sscanf(wish, "bench-down:%llu", &bytes) == 1) {
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %llu\r\n\r\n", bytes);
    if (!say(c, head, (size_t)length)) return false;
    c->flood_left = bytes;
    c->state = FLOOD;
    return say_flood(c);
  }
  return say(c, answer, answer_length);
}

// The head is complete: how is the body framed? False: not HTTP.
static bool begin_body(struct connection *c) {
  c->head[c->head_length] = 0;
  c->line_length = 0;
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  if (length != NULL) {
    c->body_left = strtoull(length + 17, NULL, 10);
    c->state = BODY;
  } else if (strcasestr(c->head, "\r\ntransfer-encoding:") != NULL) {
    c->state = CHUNK_SIZE;
  } else {
    c->body_left = 0;
    c->state = BODY;
  }
  // a caller that asks first is told to go on
  if (strcasestr(c->head, "\r\nexpect: 100") != NULL) return say(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  return true;
}

static void look(struct connection *c, const char *bytes, size_t length) {
  size_t room = PEEK_MAX - c->peek_length;
  size_t kept = length < room ? length : room;
  memcpy(c->peek + c->peek_length, bytes, kept);
  c->peek_length += kept;
}

// One line of a chunked body's framing, byte by byte: true when it is complete.
static bool take_line(struct connection *c, char byte) {
  if (byte == '\n') return true;
  if (byte != '\r' && c->line_length < sizeof c->line - 1) c->line[c->line_length++] = byte;
  return false;
}

// False: the connection is to be closed.
static bool take(struct connection *c, const char *bytes, size_t length) {
  size_t at = 0;
  while (at < length || (c->state == BODY && c->body_left == 0)) {
    size_t left = length - at;
    if (c->state == HEAD) {
      if (c->head == NULL) c->head = malloc(HEAD_MAX + 1);
      size_t from = c->head_length > 3 ? c->head_length - 3 : 0;
      size_t room = HEAD_MAX - c->head_length;
      if (room == 0) return false;
      size_t copied = left < room ? left : room;
      memcpy(c->head + c->head_length, bytes + at, copied);
      char *end = memmem(c->head + from, c->head_length + copied - from, "\r\n\r\n", 4);
      if (end == NULL) {
        c->head_length += copied;
        at += copied;
        continue;
      }
      size_t whole = (size_t)(end - c->head) + 4;
      at += whole - c->head_length;
      c->head_length = whole;
      if (!begin_body(c)) return false;
    } else if (c->state == BODY || c->state == CHUNK_DATA) {
      size_t part = left < c->body_left ? left : (size_t)c->body_left;
      look(c, bytes + at, part);
      at += part;
      c->body_left -= part;
      if (c->body_left == 0) {
        if (c->state == CHUNK_DATA) c->state = CHUNK_END;
        else if (!reply(c)) return false;
      }
    } else if (c->state == STREAM || c->state == FLOOD) {
      return false;
    } else if (take_line(c, bytes[at++])) {
      c->line[c->line_length] = 0;
      bool empty = c->line_length == 0;
      c->line_length = 0;
      if (c->state == CHUNK_END) {
        c->state = CHUNK_SIZE;
      } else if (c->state == CHUNK_SIZE) {
        c->body_left = strtoull(c->line, NULL, 16);
        c->state = c->body_left == 0 ? TRAILER : CHUNK_DATA;
      } else if (empty && !reply(c)) {
        return false;
      }
    }
  }
  return true;
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->heap_at = -1;
    connections[fd] = c;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static void serve(struct connection *c, uint32_t events) {
  static char buffer[262144];
  if (events & EPOLLOUT) {
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return drop(c);
    if (n > 0) c->out_sent += (size_t)n;
    if (c->out_sent == c->out_length) {
      c->out_sent = c->out_length = 0;
      watch(c, false);
      if (c->state == FLOOD && !say_flood(c)) return drop(c);
    }
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(c);
    if (n > 0 && !take(c, buffer, (size_t)n)) drop(c);
  }
}

static void prepare_answer(void) {
  char body[2048], text[1400] = "";
  while (strlen(text) < 1200) strcat(text, "All work and no play makes a token a dull bearer. ");
  int length = snprintf(body, sizeof body,
                        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"gpt-4o-mini\","
                        "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"}}],"
                        "\"usage\":{\"prompt_tokens\":230,\"completion_tokens\":240,\"total_tokens\":470}}",
                        text);
  answer_length = (size_t)snprintf(answer, sizeof answer,
                                   "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n"
                                   "content-length: %d\r\n\r\n%s",
                                   length, body);
  memset(flood, 'x', sizeof flood);
}

int main(int count, char **words) {
  prctl(PR_SET_TIMERSLACK, 1ul);
  prepare_answer();
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(count > 1 ? words[1] : "0")),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) {
    perror("upstream");
    return 1;
  }
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = timer;
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  struct epoll_event ready[512];
  for (;;) {
    int found = epoll_wait(poller, ready, 512, -1);
    for (int i = 0; i < found; i += 1) {
      int fd = ready[i].data.fd;
      if (fd == listener) {
        accept_all(listener);
      } else if (fd == timer) {
        uint64_t times;
        if (read(timer, &times, sizeof times) < 0) continue;
        uint64_t now = now_ns();
        // the time in an event is that of its own send
        while (heap_size > 0 && heap[0]->due <= now) {
          struct connection *c = heap[0];
          if (!say_event(c, now_ns())) drop(c);
        }
        arm_timer();
      } else if (connections[fd] != NULL) {
        serve(connections[fd], ready[i].events);
      }
    }
  }
}
