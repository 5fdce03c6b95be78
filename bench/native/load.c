// The load of the benchmarks where wrk cannot serve. One epoll loop, raw requests from a file ("LENGTH\n" and the bytes, repeated).
// latency: sends at a fixed rate, whatever comes back, and counts from the time a request should have left (no coordinated omission).
// streams: holds event streams, checks id and number of each event, and measures each event's age by the time that it carries.
// Usage: load latency PORT FILE RATE SECONDS SKIP_SECONDS CONNECTIONS any|ok
//        load streams PORT FILE EVENTS_PER_SECOND EVENTS OPENS_PER_SECOND SETTLE_SECONDS WINDOW_SECONDS PATIENCE_SECONDS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

#define HEAD_MAX 16384
#define SECOND 1000000000ull

enum state { IDLE, CONNECTING, HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, CLOSED };

struct connection {
  int fd;
  enum state state;
  int request;
  uint64_t intended;
  char head[HEAD_MAX + 1];
  size_t head_length;
  int status;
  uint64_t left;
  uint64_t size;
  bool chunked;
  // the event mark "#ID NUMBER TIME#": which of the three numbers is read, -1 outside a mark
  int field;
  uint64_t mark[3];
  uint64_t expected;
};

struct request {
  char *bytes;
  size_t length;
};

static struct request *requests;
static int request_count;
static struct connection *connections;
static int connection_count;
static int poller, timer;
static struct sockaddr_in target;

static uint32_t *samples;
static size_t sample_count, sample_room;
static uint64_t errors, completed, wrong_order, wrong_id, finished, events_total, opened;
static uint64_t window_from, window_to;
static bool streams, any_status;
static uint64_t event_count;
static uint64_t statuses[1000];
static int *idle, idle_count;

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void sample(uint64_t ns) {
  if (sample_count == sample_room) {
    sample_room = sample_room == 0 ? 65536 : sample_room * 2;
    samples = realloc(samples, sample_room * sizeof *samples);
  }
  uint64_t tenths = ns / 100;
  samples[sample_count++] = tenths > UINT32_MAX ? UINT32_MAX : (uint32_t)tenths;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile(double share) {
  if (sample_count == 0) return 0;
  return samples[(size_t)(share * (double)(sample_count - 1))] / 10.0;
}

static void read_requests(const char *name) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) {
    perror(name);
    exit(1);
  }
  size_t length;
  while (fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
    requests = realloc(requests, (size_t)(request_count + 1) * sizeof *requests);
    struct request *request = &requests[request_count++];
    request->bytes = malloc(length);
    request->length = fread(request->bytes, 1, length, file);
  }
  fclose(file);
}

static void poll_for(struct connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - connections)};
  epoll_ctl(poller, operation, c->fd, &event);
}

static void open_connection(struct connection *c) {
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) {
    perror("socket");
    exit(1);
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connect(c->fd, (struct sockaddr *)&target, sizeof target);
  c->state = CONNECTING;
  poll_for(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void close_connection(struct connection *c) {
  close(c->fd);
  c->state = CLOSED;
}

static void send_request(struct connection *c) {
  struct request *request = &requests[c->request];
  c->head_length = 0;
  c->field = -1;
  c->state = HEAD;
  // a request is far smaller than a socket's buffer
  if (send(c->fd, request->bytes, request->length, MSG_NOSIGNAL) != (ssize_t)request->length) {
    errors += 1;
    close_connection(c);
  }
}

static void take_mark(struct connection *c) {
  events_total += 1;
  if (c->mark[0] != (uint64_t)c->request) wrong_id += 1;
  if (c->mark[1] != c->expected) wrong_order += 1;
  c->expected = c->mark[1] + 1;
  uint64_t now = now_ns();
  if (now >= window_from && now < window_to) sample(now - c->mark[2]);
}

static void read_marks(struct connection *c, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i += 1) {
    char byte = bytes[i];
    if (c->field < 0) {
      const char *next = memchr(bytes + i, '#', length - i);
      if (next == NULL) return;
      i = (size_t)(next - bytes);
      c->field = 0;
      c->mark[0] = c->mark[1] = c->mark[2] = 0;
    } else if (byte >= '0' && byte <= '9') {
      c->mark[c->field] = c->mark[c->field] * 10 + (uint64_t)(byte - '0');
    } else if (byte == ' ' && c->field < 2) {
      c->field += 1;
    } else {
      if (byte == '#' && c->field == 2) take_mark(c);
      c->field = -1;
    }
  }
}

static void done(struct connection *c) {
  uint64_t now = now_ns();
  bool good = c->status == 200 || any_status;
  if (c->status > 0 && c->status < 1000) statuses[c->status] += 1;
  if (!good) {
    if (errors == 0) fprintf(stderr, "first wrong answer: %.200s\n", c->head);
    errors += 1;
  }
  if (streams) {
    if (good && c->expected == event_count) finished += 1;
    close_connection(c);
    return;
  }
  completed += 1;
  if (good && c->intended >= window_from && c->intended < window_to) sample(now - c->intended);
  c->state = IDLE;
  idle[idle_count++] = (int)(c - connections);
}

static void begin_body(struct connection *c) {
  c->head[c->head_length] = 0;
  c->status = atoi(c->head + 9);
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
  c->left = length != NULL && !c->chunked ? strtoull(length + 17, NULL, 10) : 0;
  c->size = 0;
  c->state = c->chunked ? CHUNK_SIZE : BODY;
}

static void take(struct connection *c, const char *bytes, size_t length) {
  size_t at = 0;
  while (at < length && c->state != CLOSED && c->state != IDLE) {
    size_t left = length - at;
    if (c->state == HEAD) {
      if (c->head_length == HEAD_MAX) {
        errors += 1;
        return close_connection(c);
      }
      c->head[c->head_length++] = bytes[at++];
      if (c->head_length < 4 || memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) != 0) continue;
      begin_body(c);
      if (c->state == BODY && c->left == 0) done(c);
    } else if (c->state == BODY || c->state == CHUNK_DATA) {
      size_t part = left < c->left ? left : (size_t)c->left;
      if (streams) read_marks(c, bytes + at, part);
      at += part;
      c->left -= part;
      if (c->left > 0) continue;
      if (c->state == BODY) done(c);
      else c->state = CHUNK_END;
    } else {
      char byte = bytes[at++];
      if (c->state == CHUNK_SIZE && byte == '\n') {
        c->left = c->size;
        c->state = c->size == 0 ? TRAILER : CHUNK_DATA;
        c->size = 0;
      } else if (c->state == CHUNK_SIZE) {
        int digit = byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                  : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
        if (digit >= 0) c->size = c->size * 16 + (uint64_t)digit;
      } else if (byte == '\n') {
        if (c->state == CHUNK_END) c->state = CHUNK_SIZE;
        else done(c);
      }
    }
  }
}

static void serve(struct connection *c, uint32_t events) {
  static char buffer[262144];
  if (c->state == CLOSED) return;
  if (c->state == CONNECTING) {
    int fault = 0;
    socklen_t size = sizeof fault;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault != 0 || (events & (EPOLLERR | EPOLLHUP))) {
      errors += 1;
      return close_connection(c);
    }
    poll_for(c, EPOLL_CTL_MOD, EPOLLIN);
    if (streams) return send_request(c);
    c->state = IDLE;
    idle[idle_count++] = (int)(c - connections);
    return;
  }
  ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  if (n > 0) return take(c, buffer, (size_t)n);
  if (n < 0 && errno == EAGAIN) return;
  if (c->state != IDLE) errors += 1;
  if (c->state == IDLE) {
    for (int i = 0; i < idle_count; i += 1) {
      if (idle[i] == (int)(c - connections)) idle[i--] = idle[--idle_count];
    }
  }
  close_connection(c);
  // a server may close a connection that rests; the next request needs one
  if (!streams) open_connection(c);
}

// Waits for sockets until `until`, at most; handles what is ready.
static void turn(uint64_t until) {
  struct epoll_event ready[512];
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)(until / SECOND), .tv_nsec = (long)(until % SECOND)}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
  int found = epoll_wait(poller, ready, 512, -1);
  for (int i = 0; i < found; i += 1) {
    uint64_t times;
    if (ready[i].data.u32 == UINT32_MAX) {
      if (read(timer, &times, sizeof times) < 0) continue;
    } else {
      serve(&connections[ready[i].data.u32], ready[i].events);
    }
  }
}

static void print_statuses(void) {
  const char *comma = "";
  printf("\"statuses\":{");
  for (int i = 0; i < 1000; i += 1) {
    if (statuses[i] == 0) continue;
    printf("%s\"%d\":%llu", comma, i, (unsigned long long)statuses[i]);
    comma = ",";
  }
  printf("}");
}

static void run_latency(double rate, double seconds, double skip) {
  for (int i = 0; i < connection_count; i += 1) open_connection(&connections[i]);
  uint64_t patience = now_ns() + 10 * SECOND;
  while (idle_count < connection_count && now_ns() < patience) turn(now_ns() + SECOND / 100);
  uint64_t start = now_ns() + SECOND / 10, total = (uint64_t)(rate * seconds), sent = 0;
  uint64_t end = start + (uint64_t)((seconds + 10) * SECOND);
  window_from = start + (uint64_t)(skip * SECOND);
  window_to = UINT64_MAX;
  while ((sent < total || idle_count < connection_count) && now_ns() < end) {
    uint64_t due = start + (uint64_t)((double)sent / rate * SECOND);
    while (sent < total && idle_count > 0 && due <= now_ns()) {
      struct connection *c = &connections[idle[--idle_count]];
      c->intended = due;
      c->request = (int)(sent % (uint64_t)request_count);
      sent += 1;
      send_request(c);
      due = start + (uint64_t)((double)sent / rate * SECOND);
    }
    // with no connection free, an answer wakes the loop
    turn(sent < total && idle_count > 0 ? due : now_ns() + SECOND / 100);
  }
  qsort(samples, sample_count, sizeof *samples, by_size);
  printf("{\"sent\":%llu,\"completed\":%llu,\"errors\":%llu,\"measured\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
         "\"max\":%.1f,",
         (unsigned long long)sent, (unsigned long long)completed, (unsigned long long)(errors + total - completed),
         sample_count, percentile(0.5), percentile(0.9), percentile(0.99), percentile(0.999), percentile(1));
  print_statuses();
  printf("}\n");
}

static void run_streams(double rate, double opens, double settle, double window, double patience) {
  uint64_t start = now_ns();
  uint64_t all_open = start + (uint64_t)((double)connection_count / opens * SECOND);
  window_from = all_open + (uint64_t)(settle * SECOND);
  window_to = window_from + (uint64_t)(window * SECOND);
  uint64_t end = all_open + (uint64_t)(((double)event_count / rate + patience) * SECOND);
  int told = 0;
  while (finished + errors < (uint64_t)connection_count && now_ns() < end) {
    uint64_t now = now_ns(), next = now + SECOND / 100;
    while (opened < (uint64_t)connection_count && start + (uint64_t)((double)opened / opens * SECOND) <= now) {
      connections[opened].request = (int)opened;
      open_connection(&connections[opened++]);
    }
    if (told < 2 && now >= (told == 0 ? window_from : window_to)) {
      printf("{\"mark\":\"%s\"}\n", told == 0 ? "from" : "to");
      fflush(stdout);
      told += 1;
    }
    turn(opened < (uint64_t)connection_count ? start + (uint64_t)((double)opened / opens * SECOND) : next);
  }
  qsort(samples, sample_count, sizeof *samples, by_size);
  uint64_t lost = 0, late = 0;
  for (int i = 0; i < connection_count; i += 1) {
    struct connection *c = &connections[i];
    *(c->state == CLOSED ? &lost : &late) += event_count > c->expected ? event_count - c->expected : 0;
  }
  printf("{\"streams\":%d,\"finished\":%llu,\"errors\":%llu,\"events\":%llu,\"lost\":%llu,\"late\":%llu,\"reordered\":%llu,\"strangers\":%llu,"
         "\"windowEvents\":%zu,\"windowSeconds\":%.3f,\"offered\":%.0f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}\n",
         connection_count, (unsigned long long)finished, (unsigned long long)errors, (unsigned long long)events_total,
         (unsigned long long)lost, (unsigned long long)late, (unsigned long long)wrong_order, (unsigned long long)wrong_id, sample_count,
         window, (double)connection_count * rate * window, percentile(0.5), percentile(0.9), percentile(0.99),
         percentile(1));
}

int main(int count, char **words) {
  prctl(PR_SET_TIMERSLACK, 1ul);
  if (count < 9) {
    fprintf(stderr, "see the head of load.c\n");
    return 2;
  }
  streams = strcmp(words[1], "streams") == 0;
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[2])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  read_requests(words[3]);
  connection_count = streams ? request_count : atoi(words[7]);
  connections = calloc((size_t)connection_count, sizeof *connections);
  idle = calloc((size_t)connection_count + 1, sizeof *idle);
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  double numbers[10] = {0};
  for (int i = 4; i < count && i < 14; i += 1) numbers[i - 4] = atof(words[i]);
  if (streams) {
    event_count = (uint64_t)numbers[1];
    run_streams(numbers[0], numbers[2], numbers[3], numbers[4], numbers[5]);
  } else {
    any_status = strcmp(words[8], "any") == 0;
    run_latency(numbers[0], numbers[1], numbers[2]);
  }
  return 0;
}
