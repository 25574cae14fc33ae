import { playsEveryCase } from './played-cases.ts';
import { cloudWorlds } from './worlds/cloud-worlds.ts';

playsEveryCase('cloud', async () => cloudWorlds());
