import { playsEveryCase } from './played-cases.ts';
import { daemonWorlds } from './worlds/daemon-worlds.ts';

playsEveryCase('daemon', daemonWorlds);
