"""A service as OpenStack's are: oslo.config options, oslo.service with restart_method mutate. It writes what it runs with, ten times a second."""
import eventlet
eventlet.monkey_patch()

import os
import sys

from oslo_config import cfg
from oslo_service import service

CONF = cfg.CONF
OPTS = [
    cfg.IntOpt('workers_wanted', default=1, mutable=True),
    cfg.StrOpt('fixed', default='none'),
]


class Mutable(service.Service):
    def start(self):
        super().start()
        self.tg.add_timer(0.1, self.write)

    def write(self):
        draft = sys.argv[2] + '.new'
        with open(draft, 'w') as out:
            out.write('%d %d %s\n' % (os.getpid(), CONF.workers_wanted, CONF.fixed))
        os.rename(draft, sys.argv[2])


if __name__ == '__main__':
    CONF.register_opts(OPTS)
    CONF(args=['--config-file', sys.argv[1]], project='mutable', default_config_files=[], default_config_dirs=[])
    with open(sys.argv[3], 'w') as out:
        out.write('%d\n' % os.getpid())
    service.launch(CONF, Mutable(), workers=1, restart_method='mutate').wait()
