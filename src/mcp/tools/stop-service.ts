import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';

export const stopService = defineTool({
  name: 'stop_service',
  operation: 'destructive',
  idempotent: true,
  title: 'Stop a service',
  description:
    'Stops a service: its clients are cut off, its backups fail until start_service; no data are lost. Name it to the person first; a person must approve.',
  input: z.strictObject({ service: z.string().max(300) }),
  undo: { daemon: 'start_service', cloud: 'start_service' },
  output: { service_id: 'string' },
  async exact({ service }, { api, signal }) {
    const found = await findService(api, service, signal);
    return { service_id: found.id, label: serviceLabel(found), status: found.status };
  },
  async effect({ service_id, status }) {
    if (status === 'stopped') return undefined;
    return { operation: 'stop_service', arguments: { service_id }, repeat: { service: service_id } };
  },
  async run({ service_id, label, status }, { api, signal, planId }) {
    if (status === 'stopped') return { text: [`${label} is stopped already.`], data: { service_id, status } };
    await api.setPower(service_id, false, { signal, ...(planId === undefined ? {} : { planId }) });
    return {
      text: [`${label} is stopping (it was ${status}).`],
      data: { service_id, status: 'stopping' },
      next: `Call list_services with service "${service_id}" until its status is stopped. start_service starts it again.`,
    };
  },
});
