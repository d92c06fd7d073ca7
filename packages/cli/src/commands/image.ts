/** `tintype image …`: everything one does with images. */
import type { Command } from 'commander';
import { addImageActivity } from './image-activity.ts';
import { addImageClone } from './image-clone.ts';
import { addImageCreate } from './image-create.ts';
import { addImageDelete } from './image-delete.ts';
import { addImageDownload } from './image-download.ts';
import { addImageExport } from './image-export.ts';
import { addImageImport } from './image-import.ts';
import { addImageList } from './image-list.ts';
import { addImageMembers } from './image-members.ts';
import { addImageRestore } from './image-restore.ts';
import { addImageSet } from './image-set.ts';
import { addImageShow } from './image-show.ts';
import { addImageTag } from './image-tag.ts';
import { addImageTasks } from './image-tasks.ts';
import { addImageUnset } from './image-unset.ts';
import { addImageUpload } from './image-upload.ts';

export function addImage(parent: Command): void {
  const image = parent.command('image').helpCommand(false).description('work with images');
  addImageCreate(image);
  addImageUpload(image);
  addImageImport(image);
  addImageClone(image);
  addImageDownload(image);
  addImageExport(image);
  addImageList(image);
  addImageShow(image);
  addImageSet(image);
  addImageUnset(image);
  addImageDelete(image);
  addImageRestore(image);
  addImageActivity(image);
  addImageMembers(image);
  addImageTag(image);
  addImageTasks(image);
}
